"""The local harness: runs the real Terraform root and the real zip against an AWS emulator on this machine."""

"""Dead letters, and changes whose events were lost."""

# Metric math for the rates, used by alarms and dashboard.

locals {
  # Recipients by what SES reported, under the name that expressions use. CloudWatch has no data point where nothing was
  # counted, hence FILL.
  counted = {
    hard_bounces = "HardBounces"
    complaints   = "Complaints"
    deliveries   = "Deliveries"
  }
  recipients = "FILL(hard_bounces, 0) + FILL(deliveries, 0)"
}

# Metric math for the rates, the same in alarms and on the dashboard.

locals {
  # Recipients by what SES reported of them, each under the name that expressions call it by. CloudWatch has no data point
  # where nothing was counted, hence FILL.
  counted = {
    hard_bounces = "HardBounces"
    complaints   = "Complaints"
    deliveries   = "Deliveries"
  }
  recipients = "FILL(hard_bounces, 0) + FILL(deliveries, 0)"
}

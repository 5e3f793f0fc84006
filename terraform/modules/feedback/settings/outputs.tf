output "package" {
  description = "The variable `package` with its defaults."
  value       = var.package
}

output "rules" {
  description = "The variable `rules` with its defaults."
  value       = var.rules
}

output "function" {
  description = "The variable `function` with its defaults."
  value       = var.function
}

output "queue" {
  description = "The variable `queue` with its defaults."
  value       = var.queue
}

output "table" {
  description = "The variable `table` with its defaults."
  value       = var.table
}

output "topic" {
  description = "The variable `topic` with its defaults."
  value       = var.topic
}

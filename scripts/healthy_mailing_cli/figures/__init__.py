"""What the table says in figures, and the page that shows it."""

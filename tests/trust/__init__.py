"""What the project promises about bad days, shown."""

"""The whole way, from the clouds' answers to what a reader sees."""

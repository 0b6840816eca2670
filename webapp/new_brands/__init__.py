"""The pages and the API of “new brands?”, and of looking for a label in past analyses."""

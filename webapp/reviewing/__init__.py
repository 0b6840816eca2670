"""What people correct where they read it: beside what was found, never over it."""

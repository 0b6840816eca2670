"""What belongs to no known label: groups that may be new brands, and what people say of them."""

"""Why a detector says what it says of one box."""

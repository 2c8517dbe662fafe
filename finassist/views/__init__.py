"""What a person sees: HTML, safely."""

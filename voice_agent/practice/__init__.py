"""The example practice: Dr. Chen's office, its patients, its calendar and what it does for a caller."""

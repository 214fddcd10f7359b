"""Personal data that has a pattern: addresses, numbers and identifiers, with their checksums where they have one."""

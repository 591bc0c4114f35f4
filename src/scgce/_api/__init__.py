"""What public functions share: checked arguments, shared sentences, errors, progress, device, groups."""

"""What torch.save writes."""

"""What samples may come as: tables with named columns, tensors."""

"""What dev.py is made of: standard library only, readable to any Python from 3.8 on."""

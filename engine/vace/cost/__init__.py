"""What a render will take: counted from the configuration, calibrated by what this machine was seen to do."""

"""What RAdam, AdaShift and CProp are said to do, seen in runs of the optimizers themselves."""

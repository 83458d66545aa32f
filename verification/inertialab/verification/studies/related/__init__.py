"""RAdam, AdaShift and CProp: what their steps do under noise, read off the optimizers themselves."""

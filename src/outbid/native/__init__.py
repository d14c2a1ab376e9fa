"""The native engine: functions of JAX's arrays as machine code on vectors of rows."""

"""WHY a check does not hold: where one can fail in several ways, the sentence of the way that is so."""

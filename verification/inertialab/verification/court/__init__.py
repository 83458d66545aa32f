"""How a measurement is judged: intervals against margins, together; and whether wrong formulas would be refuted."""

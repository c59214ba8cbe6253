"""How far to draft, by measured costs and observed acceptance, within a bound on what it costs."""

"""Figures over time as Plotly or Matplotlib figures."""

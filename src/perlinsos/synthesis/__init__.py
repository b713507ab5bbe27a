"""An invented population and its agencies' deliveries, clean or with the errors of real ones, and the truth about each."""

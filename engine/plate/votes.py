"""When colours agree, and what a vote says that does not."""

from __future__ import annotations

AGREEMENT = 0.04
"""Two colours agree when they differ by about this much of the range or less: grain, compression, slight misfit."""

LIKELY = 0.3
"""Agreement with the elected colour from which on a lender shows the same thing."""

OUTVOTED_SPREAD = 0.05**2
"""A frame that is outvoted counts as if it were this far off: it makes the vote less sure, however wrong it is."""

PRIOR_VOTE = 0.001
PRIOR_SPREAD = 0.15**2
"""Without evidence a colour may be this far off, in mean square; so much of a vote says so beside the frames."""

"""`python -m ganzoo`, and `accelerate launch -m ganzoo`."""

from ganzoo.cli import main

main()

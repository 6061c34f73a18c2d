"""From few beneficiaries to many: what each page costs more, beside what its floor costs more."""

from bench import pages
from bench.report import figure, table, verdict

STEEPNESS = 1


def show(name, measured):
    """`measured`: {number of beneficiaries: the costs of the pages}; the slope goes from the fewest to the most."""
    sizes = sorted(measured)
    fewest, most = sizes[0], sizes[-1]
    heads = ["CPU en tout, ms"]
    for size in sizes:
        heads += [f"{figure(size)} : portail", "plancher"]
    heads += ["+ ms pour 100 000 : portail", "plancher", "× pente"]
    rows = []
    for page in measured[fewest]:
        row = [pages.PAGES[page][0]]
        for size in sizes:
            row += [measured[size][page].ours.cpu, measured[size][page].floor.cpu]
        ours, floor = (slope(measured, page, side, fewest, most) for side in ("ours", "floor"))
        rows.append([*row, ours, floor, steeper(ours, floor)])
    table(f"Croissance, {name}", heads, rows)


def slope(measured, page, side, fewest, most):
    """Milliseconds of CPU more for 100,000 beneficiaries more."""
    few, many = (getattr(measured[size][page], side).cpu for size in (fewest, most))
    return (many - few) / (most - fewest) * 100_000


def steeper(ours, floor):
    """The ratio of the slopes; a page that costs the same at any size has none."""
    return "plate" if ours < 0.5 else verdict(ours / max(floor, 0.01), STEEPNESS)

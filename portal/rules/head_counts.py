"""How many employees there are month by month, of who was there at first, who came since and who went."""


def follow(there, came, went, days):
    """{college: [how many at each of these days]}, the first day being that of `there`.

    `there`: [(college, number)]; `came`, `went`: [(college, number, day)]; who leaves on a day still counts that day.
    """
    curves = {college: [number] * len(days) for college, number in there}
    for moves, step in ((came, 1), (went, -1)):
        for college, number, on in moves:
            curve = curves.setdefault(college, [0] * len(days))
            for place, day in enumerate(days):
                if (on <= day) if step > 0 else (on < day):
                    curve[place] += step * number
    return curves

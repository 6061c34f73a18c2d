"""The portal's own pages turned into plain templates: the same bytes, with holes for rows and numbers."""

import re

TOKEN = re.compile(r'(name="csrf_token" value=")[^"]+')
ROW = re.compile(r"\s*<tr .*?</tr>", re.DOTALL)
BODY = re.compile(r'(<tbody role="rowgroup">)(.*)(</tbody>)', re.DOTALL)
COUNTED = re.compile(r">([\d\u202f]+)(\u00a0bénéficiaires?<)|([\d\u202f]+)( éléments<|\u00a0lignes?\.| en tout<)")
SAMPLE = re.compile(r'id="row-(\w+)"')
MEMBER = re.compile(r'(<section aria-labelledby="household">.*?<ul class="ui-lines">)(.*?)(</ul>)', re.DOTALL)


def of_list(html, row):
    """The template of a list. `row(member_number)`: the texts of that row as the floor reads them, by name."""
    parts = BODY.search(html)
    sample = next(text for text in ROW.findall(parts[2]) if "Radié" not in text and "is-dependent" not in text)
    line = with_holes(sample, row(SAMPLE.search(sample)[1]), "row")
    line = line.replace('class=""', 'class="{{ "is-dependent" if row.is_dependent }}"', 1)
    ended = '{% if row.ended %}<span class="ui-sub">Radié{{ row.feminine }} le {{ row.ended }}</span>{% endif %}'
    line = line.replace("{{ row.effective_on }}", "{{ row.effective_on }}" + ended)
    body = "{% for row in rows %}" + line + "{% endfor %}\n    "
    html = html[: parts.start(2)] + body + html[parts.end(2) :]
    return TOKEN.sub(r"\1{{ token }}", COUNTED.sub(count_hole, html))


def count_hole(found):
    return f">{{{{ total }}}}{found[2]}" if found[2] else f"{{{{ total }}}}{found[4]}"


def of_person(html, texts, members):
    """The template of a person's page. `texts`: what the floor reads; `members`: how it writes one of a household."""
    found = MEMBER.search(html)
    loop = "{% for member in members %}" + members + "{% endfor %}\n  "
    start, middle, end = html[: found.start(2)], loop, html[found.end(2) :]
    return TOKEN.sub(r"\1{{ token }}", with_holes(start, texts, "person") + middle + with_holes(end, texts, "person"))


def with_holes(html, texts, name):
    """Each text that stands alone between two tags, or in an address, gives way to its name."""
    for key, text in texts.items():
        if not text:
            continue
        hole, text = f"{{{{ {name}.{key} }}}}", re.escape(text)
        html = re.sub(rf"(?<=>)(\s?){text}(?=<)", rf"\g<1>{hole}", html)
        if key in ("public_id", "member_number"):
            html = re.sub(rf'(?<=[=/-]){text}(?=["/])', hole, html)
    return html

"""What the mutual says on « Accueil »: published, changed, withdrawn; read by each."""

from portal.models import Notice, NoticeReading, Outdated


def publish(words, author, now, form_key):
    """A new one; `words`: its columns."""
    return Notice.create(author=author, created_at=now, form_key=form_key, **words)


def change(notice, words, seen, anew):
    """Write it again; raises Outdated. `seen`: the version on the screen; `anew`: who has read it sees it as unread."""
    there = Notice.update(version=Notice.version + 1, **words).where(
        Notice.id == notice.id, Notice.version == seen, Notice.withdrawn_at.is_null()
    )
    if not there.execute():
        raise Outdated(notice)
    if anew:
        NoticeReading.delete().where(NoticeReading.notice == notice.id).execute()


def withdraw(notice, now):
    """Nobody sees it any more; False when it was so already."""
    there = Notice.update(withdrawn_at=now).where(Notice.id == notice.id, Notice.withdrawn_at.is_null())
    return bool(there.execute())


def read(notice, user, now):
    NoticeReading.insert(notice=notice.id, user=user.id, read_at=now).on_conflict_ignore().execute()


def unread(notice, user):
    NoticeReading.delete().where(NoticeReading.notice == notice.id, NoticeReading.user == user.id).execute()

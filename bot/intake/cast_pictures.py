"""Pictures in Discord that are to be kept: read, checked as references are, and made small."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bot.media.cdn import Cdn, CdnError, LargerThanAllowed
from bot.media.inspection.inspector import Inspector, NotNow
from bot.media.inspection.unreadable import Unreadable
from bot.models.cast import SavedPicture
from bot.models.catalog import Kind
from bot.models.drafts import Source
from bot.models.problems import Problem, ProblemCode
from bot.models.requests import IMAGE_BYTES_MAX, shape_problems, size_problems

log = logging.getLogger(__name__)

_VIDEOS = {ProblemCode.WRONG_OPTION, ProblemCode.WRONG_OPTION_TO_CONVERT}


class BadPictures(Exception):  # noqa: N818 - it names what happened
    """Pictures that can't be kept."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems


class CastPictureReader:
    """Reads pictures one after the other; none is kept if anything is wrong with one of them."""

    def __init__(self, inspector: Inspector, cdn: Cdn) -> None:
        self._inspector = inspector
        self._cdn = cdn

    async def read(self, user_id: int, sources: Sequence[Source]) -> list[SavedPicture]:
        """Return pictures as they are kept. Raises BadPictures with all that is wrong with them."""
        problems = [
            problem
            for source in sources
            if source.size is not None
            for problem in size_problems(source.name, source.size, Kind.IMAGE)
        ]
        if problems:
            raise BadPictures(problems)
        found: list[SavedPicture] = []
        try:
            async with self._inspector.turn(user_id):
                for position, source in enumerate(sources, start=1):
                    try:
                        found.append(await self._read_one(source, position))
                    except BadPictures as error:
                        problems += error.problems
        except NotNow as error:
            raise BadPictures([error.problem]) from None
        if problems:
            raise BadPictures(problems)
        return found

    async def _read_one(self, source: Source, position: int) -> SavedPicture:
        limit = IMAGE_BYTES_MAX if source.size is None else source.size
        async with self._inspector.picture_bytes.lend(limit):
            try:
                content = await self._cdn.read(source.url, limit)
                picture = await self._inspector.picture(source.name, source.url, content, Kind.IMAGE)
                assert picture is not None, "only a picture was asked for"
                if problems := shape_problems(picture):
                    raise BadPictures(problems)
                return await self._inspector.shrink(source.name, content, position)
            except CdnError as error:
                log.info("A picture could not be read (%s)", error)
                problem = Problem(ProblemCode.FILE_NOT_READ, {"name": source.name})
            except LargerThanAllowed as error:
                too_large = size_problems(source.name, error.size, Kind.IMAGE)
                problem = (too_large or [Problem(ProblemCode.FILE_NOT_READ, {"name": source.name})])[0]
            except Unreadable as error:
                problem = error.problem
                if problem.code in _VIDEOS:  # there is no other option to attach it as
                    problem = Problem(ProblemCode.NOT_A_PICTURE, {"name": source.name})
        raise BadPictures([problem])

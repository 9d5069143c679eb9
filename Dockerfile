FROM python:3.13-slim AS build
# Without pip: nothing can be installed in the final image.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
# Wheels only: building a source package can run any code, and needs a compiler that the slim image doesn't have.
RUN pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary=:all: -r requirements.txt
# The wheel contains the MediaInfo library. If it doesn't load, the build fails now, not at the first clip.
RUN /opt/venv/bin/python -c 'import sys; from pymediainfo import MediaInfo; sys.exit(not MediaInfo.can_parse())'

FROM python:3.13-slim
# The user ID is fixed so that the volume still belongs to the bot after an update. The user has a name because the
# PostgreSQL driver looks it up. The database contains what members wrote, so only the bot can open the folder.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin vidu \
    && install --directory --owner=vidu --group=vidu --mode=700 /app/data
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
# The code comes last, so an update reuses every layer above. It belongs to root, so the bot can't change its own code.
COPY bot bot
COPY cogs cogs
# So that a start compiles nothing.
RUN python -m compileall -q bot cogs
# As a number, so that platforms that forbid root can check it.
USER 10001:10001
VOLUME /app/data
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]

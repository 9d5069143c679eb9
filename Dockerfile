FROM python:3.13-slim AS build
# The environment gets no pip of its own: nothing installs anything in the image that runs.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
# Wheels only: a source package could run any code here, and would need a compiler that slim lacks.
RUN pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary=:all: -r requirements.txt
# Its wheel brings the library along; where it does not load, the build stops instead of the first clip.
RUN /opt/venv/bin/python -c 'import sys; from pymediainfo import MediaInfo; sys.exit(not MediaInfo.can_parse())'

FROM python:3.13-slim
# The number is fixed so that the volume still belongs to the bot after an update; the account has a name because
# the PostgreSQL driver looks one up. The ledger holds what members wrote, so the folder is closed to others.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin vidu \
    && install --directory --owner=vidu --group=vidu --mode=700 /app/data
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
# Code last: an update of the bot reuses every layer above. It belongs to root, so the bot cannot change itself.
COPY bot bot
COPY cogs cogs
# By number, so that a platform which demands a user other than root can tell.
USER 10001:10001
VOLUME /app/data
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]

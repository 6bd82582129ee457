# syntax=docker/dockerfile:1
ARG PYTHON_VERSION=3.13
FROM python:${PYTHON_VERSION}-slim AS base

FROM base AS builder
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /uvx /bin/
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /srv
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    uv sync --locked --no-install-project --no-dev
COPY . /srv
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev

FROM base AS test
RUN pip install pytest

FROM base
LABEL org.opencontainers.image.title="An API" maintainer='me <me@example.org>'
COPY --from=builder --chown=1000:1000 /srv /srv
ENV PATH="/srv/.venv/bin:$PATH" LOG=debug API_KEY=changeme
USER 1000:1000
WORKDIR /srv
EXPOSE 8000 9000/udp
ENTRYPOINT ["fastapi"]
CMD ["run", "--host", "0.0.0.0", "src/api"]

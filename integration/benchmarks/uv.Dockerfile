# The image of strata.yaml by hand with uv, as carefully as a Dockerfile can: as pip.Dockerfile but
# for the environment. uv installs exactly what the requirements say, in parallel, and compiles
# bytecode.
ARG BASE=python:3.13-slim

FROM ${BASE} AS uv
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_TRUSTED_HOST=
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /uv && /uv/bin/pip install uv==0.13.9

FROM ${BASE} AS environment
ARG UV_DEFAULT_INDEX=https://pypi.org/simple
RUN python3 -m venv --without-pip /opt/venv
# The system's certificates: uv brings its own, which know nothing of a company's.
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=uv,source=/uv,target=/uv \
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    VIRTUAL_ENV=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_SYSTEM_CERTS=1 \
    /uv/bin/uv pip sync /tmp/requirements.txt && rm -f /opt/venv/.lock

# A tool of its own, so that no requirement's edit fetches a model again.
FROM ${BASE} AS hub
ARG UV_DEFAULT_INDEX=https://pypi.org/simple
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=uv,source=/uv,target=/uv \
    python3 -m venv --without-pip /hub && \
    VIRTUAL_ENV=/hub UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 \
    /uv/bin/uv pip install huggingface_hub==1.8.0
ENV HF_HUB_CACHE=/cache HF_HUB_DISABLE_TELEMETRY=1
ARG HF_ENDPOINT=https://huggingface.co

FROM hub AS model
RUN --mount=type=cache,target=/cache \
    /hub/bin/python -c "import huggingface_hub as hub; hub.snapshot_download('sentence-transformers/all-MiniLM-L6-v2')" && \
    mkdir -p /opt/huggingface/hub && \
    cp -a /cache/models--sentence-transformers--all-MiniLM-L6-v2 /opt/huggingface/hub/

FROM ${BASE}
RUN useradd --create-home --uid 10001 app
# Before what is linked: a step on top of that would put it together on disk first.
WORKDIR /app
COPY --link --from=model /opt/huggingface /opt/huggingface
COPY --link --from=environment /opt/venv /opt/venv
COPY --link app /app
ENV PATH=/opt/venv/bin:$PATH HF_HOME=/opt/huggingface HF_HUB_OFFLINE=1
ENV PYTHONUNBUFFERED=1
USER app
EXPOSE 8000
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]

# The image of strata.yaml by hand with pip, as carefully as a Dockerfile can: the venv, the
# models and the code are made apart and linked together, what changes most on top; downloads are
# kept in cache mounts; the requirements say everything, so pip resolves nothing; all processors
# compile bytecode.
ARG BASE=python:3.13-slim

FROM ${BASE} AS environment
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_TRUSTED_HOST=
RUN python3 -m venv --without-pip /opt/venv
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    python3 -m pip --python /opt/venv/bin/python install --no-deps --no-compile \
        --disable-pip-version-check --root-user-action ignore -r /tmp/requirements.txt && \
    /opt/venv/bin/python -m compileall -qq -j 0 /opt/venv/lib

# A tool of its own, so that no requirement's edit fetches a model again.
FROM ${BASE} AS hub
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_TRUSTED_HOST=
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /hub && /hub/bin/pip install huggingface_hub==1.8.0
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

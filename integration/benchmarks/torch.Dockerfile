# As uv.Dockerfile, with torch and its CUDA wheels apart from the rest, so that an edit of that leaves
# them alone.
ARG BASE=python:3.13-slim

FROM ${BASE} AS uv
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_TRUSTED_HOST=
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /uv && /uv/bin/pip install uv==0.13.9

# Two files out of one: who stands on one of them is built again only when that differs.
FROM ${BASE} AS requirements
COPY requirements.txt .
RUN mkdir /torch /rest && \
    grep -E '^(torch|triton|nvidia-|cuda-)' requirements.txt >/torch/requirements.txt && \
    grep -vE '^(torch|triton|nvidia-|cuda-)' requirements.txt >/rest/requirements.txt

FROM ${BASE} AS venv
RUN python3 -m venv --without-pip /opt/venv
# The system's certificates: uv brings its own, which know nothing of a company's.
ENV VIRTUAL_ENV=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_SYSTEM_CERTS=1

FROM venv AS torch
ARG UV_DEFAULT_INDEX=https://pypi.org/simple
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=uv,source=/uv,target=/uv \
    --mount=type=bind,from=requirements,source=/torch,target=/tmp/torch \
    /uv/bin/uv pip install --no-deps -r /tmp/torch/requirements.txt && rm -f /opt/venv/.lock

FROM venv AS rest
ARG UV_DEFAULT_INDEX=https://pypi.org/simple
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=uv,source=/uv,target=/uv \
    --mount=type=bind,from=requirements,source=/rest,target=/tmp/rest \
    /uv/bin/uv pip install --no-deps -r /tmp/rest/requirements.txt && rm -f /opt/venv/.lock

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
COPY --link --from=torch /opt/venv /opt/venv
COPY --link --from=rest /opt/venv /opt/venv
COPY --link app /app
ENV PATH=/opt/venv/bin:$PATH HF_HOME=/opt/huggingface HF_HUB_OFFLINE=1
ENV PYTHONUNBUFFERED=1
USER app
EXPOSE 8000
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]

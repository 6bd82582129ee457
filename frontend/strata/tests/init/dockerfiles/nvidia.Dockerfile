FROM nvidia/cuda:12.6.3-devel-ubuntu24.04
ARG DEBIAN_FRONTEND=noninteractive
ARG TOKEN
RUN apt update && apt install -y python3 python3-pip python3-dev ffmpeg ninja-build wget && apt clean
RUN pip3 install --break-system-packages torch torchvision --index-url https://download.pytorch.org/whl/cu126
RUN CMAKE_ARGS="-DGGML_CUDA=on" FORCE_CMAKE=1 pip3 install 'llama-cpp-python[server]==0.3.16' \
    --extra-index-url https://user:secret@pypi.example.org/simple
RUN wget -q https://example.org/weights.bin -O /models/weights.bin
RUN curl -fsSL https://deb.nodesource.com/setup_22.x | bash - && npm ci
WORKDIR /workspace
COPY server.py config.yaml /workspace/
COPY static /workspace/static
SHELL ["/bin/bash", "-c"]
HEALTHCHECK NONE
CMD ["python3", "server.py"]

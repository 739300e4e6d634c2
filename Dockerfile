# The image of the service. Targets: `service` (the default) and `gpu` (FAISS scans run on CUDA).
# Every dependency is a wheel pinned by version and hash; no stage contains a C compiler.

FROM debian:bookworm-slim AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 ca-certificates \
 && rm -rf /var/lib/apt/lists/*

FROM base AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements-service.lock ./
RUN python3 -m venv /opt/unseen \
 && /opt/unseen/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-service.lock
COPY index index
COPY service service
# Compile the index's Numba kernels into its package, so that no start waits for them, whatever the
# volume holds. On a CPU model other than the build machine's, the first start compiles them again
# and caches them in NUMBA_CACHE_DIR.
RUN /opt/unseen/bin/pip install --no-cache-dir --no-deps --no-build-isolation ./index ./service \
 && /opt/unseen/bin/python -m unseen_index \
 && /opt/unseen/bin/pip uninstall -y --quiet flit_core setuptools pip

FROM base AS final
RUN useradd --uid 10001 --user-group --no-create-home --no-log-init --home-dir /data unseen \
 && install -d -o unseen -g unseen -m 0700 /data
ENV PATH=/opt/unseen/bin:$PATH \
    UNSEEN_DATA=/data \
    NUMBA_CACHE_DIR=/data/numba \
    OMP_NUM_THREADS=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=10s --timeout=4s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["unseen-service"]
CMD ["serve", "--host", "0.0.0.0"]

FROM build AS build-gpu
COPY requirements-gpu.lock ./
# faiss-gpu replaces faiss-cpu: both provide the module `faiss`.
RUN python3 -m venv /opt/pip \
 && /opt/pip/bin/pip --python /opt/unseen/bin/python uninstall -y --quiet faiss-cpu \
 && /opt/pip/bin/pip --python /opt/unseen/bin/python install --no-cache-dir --no-deps \
      --require-hashes -r requirements-gpu.lock

FROM final AS gpu
COPY --from=build-gpu /opt/unseen /opt/unseen
ENV UNSEEN_DEVICE=cuda \
    LD_LIBRARY_PATH=/opt/unseen/lib/python3.11/site-packages/nvidia/cublas/lib:/opt/unseen/lib/python3.11/site-packages/nvidia/cuda_runtime/lib
USER 10001

FROM final AS service
COPY --from=build /opt/unseen /opt/unseen
USER 10001

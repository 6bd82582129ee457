# Publishes the frontend: `VERSION=1.2.3 REPOSITORY=<registry>/strata docker buildx bake --push`.

variable "REPOSITORY" {
  default = "strata"
}

variable "VERSION" {
  default = "0.0.0-dev"
}

# 1.2.3 is also 1.2, 1 and latest; a version with a suffix is only itself.
function "tags" {
  params = [repository, version]
  result = length(regexall("-", version)) > 0 ? ["${repository}:${version}"] : [
    "${repository}:${version}",
    "${repository}:${join(".", slice(split(".", version), 0, 2))}",
    "${repository}:${split(".", version)[0]}",
    "${repository}:latest",
  ]
}

group "default" {
  targets = ["frontend"]
}

target "frontend" {
  dockerfile = "Dockerfile.frontend"
  platforms  = ["linux/amd64", "linux/arm64"]
  tags       = tags(REPOSITORY, VERSION)
  attest = [
    { type = "provenance", mode = "max" },
    { type = "sbom" },
  ]
}

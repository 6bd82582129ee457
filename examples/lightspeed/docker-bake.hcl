# All variants by `docker buildx bake`, one by `docker buildx bake lightspeed-nvidia`.

variable "CODE" {
  default = "."
}

# A tag, a branch or a commit of CODE, where that is a repository.
variable "CODE_VERSION" {
  default = ""
}

group "default" {
  targets = ["lightspeed"]
}

target "lightspeed" {
  name       = "lightspeed-${variant}"
  matrix     = { variant = ["generic", "nvidia", "apple-silicon"] }
  dockerfile = "strata.yaml"
  args       = { VARIANT = variant, CODE = CODE, CODE_VERSION = CODE_VERSION }
  platforms  = [variant == "apple-silicon" ? "linux/arm64" : "linux/amd64"]
  tags       = ["lightspeed:${variant}"]
}

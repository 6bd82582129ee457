# docker buildx bake: production and development from one manifest, their steps shared.
group default {
  targets = ["production", "development"]
}

target production {
  dockerfile = "strata.yaml"
  tags       = ["llm-service"]
}

target development {
  inherits = ["production"]
  target   = "dev"
  tags     = ["llm-service:dev"]
}

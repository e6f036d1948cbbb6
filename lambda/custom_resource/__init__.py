"""Everything that any Lambda-backed custom resource needs; it knows neither Rekognition nor the resource."""

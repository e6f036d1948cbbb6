"""Amazon Rekognition as a resource uses it: ARNs, calls with retries, and what its errors mean."""

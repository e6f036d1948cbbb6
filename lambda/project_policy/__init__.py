"""A Rekognition project policy as a CloudFormation resource: plain Python that knows neither crhelper nor Lambda."""

"""A loopback AWS for trying and testing this project: ministack, and the part of Rekognition that it lacks.

`LocalCloud` runs everything (CloudFormation, Lambda, S3, IAM …) in a process of its own; `localcloud.rekognition` is
the Rekognition part alone, in this process, for tests that need no more. A tool for developers: not part of the wheel.
"""

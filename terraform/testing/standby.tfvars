standby = { region = "eu-central-1" }

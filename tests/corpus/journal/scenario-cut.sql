UPDATE incidents SET scenario = substr(scenario, 1, 200);

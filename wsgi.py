"""For any WSGI server: `gunicorn wsgi:app`. Settings come from the environment."""

from service.app import create_app
from service.config import Config
from service.logs import configure_logs

config = Config.from_env()
configure_logs(as_json=config.log_json)
app = create_app(config)

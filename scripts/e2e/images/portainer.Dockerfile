# Stands in for Portainer: it answers on its port with what it can see through the socket that it was given.
FROM swarm-upload-e2e-python
COPY portainer.py /portainer.py
CMD ["python3", "/portainer.py"]
